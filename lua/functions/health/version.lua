--- Tell the version of the library that is loaded.
--
--   FCALL_RO rapidfire_version 0
--
-- KEYS
-- ARGV
-- RETURNS
--   version  such as 1.2.3
-- ERRORS
local function version() return VERSION end

register('version', version, { 'no-writes' }, 'Tell the version of the library that is loaded.')
