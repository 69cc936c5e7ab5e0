"""The receivers that are raced: ours, and what others would do. Each is written as well as we could."""
