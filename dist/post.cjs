var o=require("./action.cjs");(0,o.post)();
