-- Posts the bodies of a file, one a line, over and over: FILE PATH CONTENT-TYPE.
local bodies = {}
local next = 0
local path
local headers

function init(arguments)
  for line in io.lines(arguments[1]) do
    bodies[#bodies + 1] = line
  end
  path = arguments[2]
  headers = { ["Content-Type"] = arguments[3] }
end

function request()
  next = next % #bodies + 1
  return wrk.format("POST", path, headers, bodies[next])
end
