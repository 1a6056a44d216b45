-- Sends the bodies of a file, one a line, over and over.
local bodies = {}
local next = 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    bodies[#bodies + 1] = line
  end
end

local headers = { ["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8" }

function request()
  next = next % #bodies + 1
  return wrk.format("POST", "/", headers, bodies[next])
end
