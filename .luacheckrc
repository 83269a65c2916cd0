std = "lua51"
read_globals = { "redis", "cmsgpack", "KEYS", "ARGV" }
max_line_length = 160
