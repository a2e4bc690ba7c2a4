-- The lines of the file $PATHS in turn: a path, and after a space the ETag that the client has.
local requests, last = {}, 0

function init()
  for line in io.lines(os.getenv("PATHS")) do
    local path, etag = line:match("^(%S+) ?(.*)$")
    local headers = etag ~= "" and { ["If-None-Match"] = etag } or nil
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end
