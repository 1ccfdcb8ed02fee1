var m=require("./action.cjs");(0,m.main)();
