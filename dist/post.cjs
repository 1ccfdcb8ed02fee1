var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target,
  mod
));

// node_modules/@actions/core/lib/command.js
var os = __toESM(require("os"), 1);

// node_modules/@actions/core/lib/utils.js
function toCommandValue(input) {
  if (input === null || input === void 0) {
    return "";
  } else if (typeof input === "string" || input instanceof String) {
    return input;
  }
  return JSON.stringify(input);
}
function toCommandProperties(annotationProperties) {
  if (!Object.keys(annotationProperties).length) {
    return {};
  }
  return {
    title: annotationProperties.title,
    file: annotationProperties.file,
    line: annotationProperties.startLine,
    endLine: annotationProperties.endLine,
    col: annotationProperties.startColumn,
    endColumn: annotationProperties.endColumn
  };
}

// node_modules/@actions/core/lib/command.js
function issueCommand(command, properties, message) {
  const cmd = new Command(command, properties, message);
  process.stdout.write(cmd.toString() + os.EOL);
}
var CMD_STRING = "::";
var Command = class {
  constructor(command, properties, message) {
    if (!command) {
      command = "missing.command";
    }
    this.command = command;
    this.properties = properties;
    this.message = message;
  }
  toString() {
    let cmdStr = CMD_STRING + this.command;
    if (this.properties && Object.keys(this.properties).length > 0) {
      cmdStr += " ";
      let first = true;
      for (const key in this.properties) {
        if (this.properties.hasOwnProperty(key)) {
          const val = this.properties[key];
          if (val) {
            if (first) {
              first = false;
            } else {
              cmdStr += ",";
            }
            cmdStr += `${key}=${escapeProperty(val)}`;
          }
        }
      }
    }
    cmdStr += `${CMD_STRING}${escapeData(this.message)}`;
    return cmdStr;
  }
};
function escapeData(s) {
  return toCommandValue(s).replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
}
function escapeProperty(s) {
  return toCommandValue(s).replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/:/g, "%3A").replace(/,/g, "%2C");
}

// js/crypto.js
var randomUUID = () => [1, 2, 3].map(() => Math.random().toString(36).slice(2)).join("");

// node_modules/@actions/core/lib/file-command.js
var fs = __toESM(require("fs"), 1);
var os2 = __toESM(require("os"), 1);
function issueFileCommand(command, message) {
  const filePath = process.env[`GITHUB_${command}`];
  if (!filePath) {
    throw new Error(`Unable to find environment variable for file command ${command}`);
  }
  if (!fs.existsSync(filePath)) {
    throw new Error(`Missing file at path: ${filePath}`);
  }
  fs.appendFileSync(filePath, `${toCommandValue(message)}${os2.EOL}`, {
    encoding: "utf8"
  });
}
function prepareKeyValueMessage(key, value) {
  const delimiter = `ghadelimiter_${randomUUID()}`;
  const convertedValue = toCommandValue(value);
  if (key.includes(delimiter)) {
    throw new Error(`Unexpected input: name should not contain the delimiter "${delimiter}"`);
  }
  if (convertedValue.includes(delimiter)) {
    throw new Error(`Unexpected input: value should not contain the delimiter "${delimiter}"`);
  }
  return `${key}<<${delimiter}${os2.EOL}${convertedValue}${os2.EOL}${delimiter}`;
}

// node_modules/@actions/core/lib/core.js
var os3 = __toESM(require("os"), 1);
var ExitCode;
(function(ExitCode2) {
  ExitCode2[ExitCode2["Success"] = 0] = "Success";
  ExitCode2[ExitCode2["Failure"] = 1] = "Failure";
})(ExitCode || (ExitCode = {}));
function setSecret(secret) {
  issueCommand("add-mask", {}, secret);
}
function getInput(name, options) {
  const val = process.env[`INPUT_${name.replace(/ /g, "_").toUpperCase()}`] || "";
  if (options && options.required && !val) {
    throw new Error(`Input required and not supplied: ${name}`);
  }
  if (options && options.trimWhitespace === false) {
    return val;
  }
  return val.trim();
}
function setOutput(name, value) {
  const filePath = process.env["GITHUB_OUTPUT"] || "";
  if (filePath) {
    return issueFileCommand("OUTPUT", prepareKeyValueMessage(name, value));
  }
  process.stdout.write(os3.EOL);
  issueCommand("set-output", { name }, toCommandValue(value));
}
function error(message, properties = {}) {
  issueCommand("error", toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
function warning(message, properties = {}) {
  issueCommand("warning", toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
function info(message) {
  process.stdout.write(message + os3.EOL);
}
function saveState(name, value) {
  const filePath = process.env["GITHUB_STATE"] || "";
  if (filePath) {
    return issueFileCommand("STATE", prepareKeyValueMessage(name, value));
  }
  issueCommand("save-state", { name }, toCommandValue(value));
}
function getState(name) {
  return process.env[`STATE_${name}`] || "";
}

// js/start.js
var import_node_fs2 = require("node:fs");
var import_node_path = require("node:path");

// target/wasm/reoclo_docker_auth.js
var reoclo_docker_auth_exports = {};
__export(reoclo_docker_auth_exports, {
  default: () => __wbg_init,
  initSync: () => initSync,
  runMain: () => runMain,
  runPost: () => runPost
});
function runMain(host2) {
  const ret = wasm.runMain(addHeapObject(host2));
  return takeObject(ret);
}
function runPost(host2) {
  const ret = wasm.runPost(addHeapObject(host2));
  return takeObject(ret);
}
function __wbg_get_imports() {
  const import0 = {
    __proto__: null,
    __wbg___wbindgen_boolean_get_5b446f51afd21013: function(arg0) {
      const v = getObject(arg0);
      const ret = typeof v === "boolean" ? v : void 0;
      return isLikeNone(ret) ? 16777215 : ret ? 1 : 0;
    },
    __wbg___wbindgen_is_function_1f9d30630b8b1d3d: function(arg0) {
      const ret = typeof getObject(arg0) === "function";
      return ret;
    },
    __wbg___wbindgen_is_object_3c45d4f2dde4e749: function(arg0) {
      const val = getObject(arg0);
      const ret = typeof val === "object" && val !== null;
      return ret;
    },
    __wbg___wbindgen_is_string_90b56bc79aad6f6c: function(arg0) {
      const ret = typeof getObject(arg0) === "string";
      return ret;
    },
    __wbg___wbindgen_is_undefined_8865fb403f8fe9d8: function(arg0) {
      const ret = getObject(arg0) === void 0;
      return ret;
    },
    __wbg___wbindgen_number_get_2e0e7dee9f701a71: function(arg0, arg1) {
      const obj = getObject(arg1);
      const ret = typeof obj === "number" ? obj : void 0;
      getDataViewMemory0().setFloat64(arg0 + 8 * 1, isLikeNone(ret) ? 0 : ret, true);
      getDataViewMemory0().setInt32(arg0 + 4 * 0, !isLikeNone(ret), true);
    },
    __wbg___wbindgen_string_get_0380ccaa2f57f0d9: function(arg0, arg1) {
      const obj = getObject(arg1);
      const ret = typeof obj === "string" ? obj : void 0;
      var ptr1 = isLikeNone(ret) ? 0 : passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
      var len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
      getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
    },
    __wbg___wbindgen_throw_41e9ee4f547fc59a: function(arg0, arg1) {
      throw new Error(getStringFromWasm0(arg0, arg1));
    },
    __wbg__wbg_cb_unref_dcc1a90847f04c41: function(arg0) {
      getObject(arg0)._wbg_cb_unref();
    },
    __wbg_abort_f78b99d80248bacb: function(arg0) {
      getObject(arg0).abort();
    },
    __wbg_base64_32617011c69349ef: function(arg0, arg1, arg2, arg3) {
      const ret = getObject(arg1).base64(getStringFromWasm0(arg2, arg3));
      const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
      const len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
      getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
    },
    __wbg_body_4e088733babc630d: function(arg0) {
      const ret = getObject(arg0).body;
      return isLikeNone(ret) ? 0 : addHeapObject(ret);
    },
    __wbg_call_187d372bd5fdd4aa: function() {
      return handleError(function(arg0, arg1, arg2) {
        const ret = getObject(arg0).call(getObject(arg1), getObject(arg2));
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_cancelled_6a5b5bc2bcdb06ba: function(arg0) {
      const ret = getObject(arg0).cancelled();
      return addHeapObject(ret);
    },
    __wbg_clearTimeout_3629d6209dfcc46e: function(arg0) {
      const ret = clearTimeout(takeObject(arg0));
      return addHeapObject(ret);
    },
    __wbg_command_c911aff6b96af94f: function(arg0, arg1, arg2) {
      getObject(arg0).command(getStringFromWasm0(arg1, arg2));
    },
    __wbg_decodeBase64_9cf953899139be21: function(arg0, arg1, arg2, arg3) {
      const ret = getObject(arg1).decodeBase64(getStringFromWasm0(arg2, arg3));
      const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
      const len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
      getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
    },
    __wbg_env_47ff7ae084b7fcc4: function(arg0, arg1, arg2, arg3) {
      const ret = getObject(arg1).env(getStringFromWasm0(arg2, arg3));
      const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
      const len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
      getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
    },
    __wbg_error_6238e466b6b426bf: function(arg0, arg1, arg2, arg3, arg4) {
      getObject(arg0).error(getStringFromWasm0(arg1, arg2), getStringFromWasm0(arg3, arg4));
    },
    __wbg_fetch_afe06ac68e12ee79: function() {
      return handleError(function(arg0) {
        const ret = fetch(getObject(arg0));
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_getReader_e782bd33388a2c7b: function(arg0) {
      const ret = getObject(arg0).getReader();
      return addHeapObject(ret);
    },
    __wbg_get_31af05bd4842a84f: function() {
      return handleError(function(arg0, arg1) {
        const ret = Reflect.get(getObject(arg0), getObject(arg1));
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_get_6c896e0571ddae51: function(arg0, arg1) {
      const ret = getObject(arg0)[arg1 >>> 0];
      return addHeapObject(ret);
    },
    __wbg_get_f75619e20cb68514: function() {
      return handleError(function(arg0, arg1, arg2, arg3) {
        const ret = getObject(arg1).get(getStringFromWasm0(arg2, arg3));
        var ptr1 = isLikeNone(ret) ? 0 : passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
        var len1 = WASM_VECTOR_LEN;
        getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
        getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
      }, arguments);
    },
    __wbg_headers_eba93595f8944c2f: function(arg0) {
      const ret = getObject(arg0).headers;
      return addHeapObject(ret);
    },
    __wbg_info_54173e9f74b0d5e8: function(arg0, arg1, arg2) {
      getObject(arg0).info(getStringFromWasm0(arg1, arg2));
    },
    __wbg_input_7c0019413ff98349: function(arg0, arg1, arg2, arg3) {
      const ret = getObject(arg1).input(getStringFromWasm0(arg2, arg3));
      const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
      const len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
      getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
    },
    __wbg_instanceof_Error_80a725f81f2e102d: function(arg0) {
      let result;
      try {
        result = getObject(arg0) instanceof Error;
      } catch (_) {
        result = false;
      }
      const ret = result;
      return ret;
    },
    __wbg_instanceof_Response_b8758567269c30b2: function(arg0) {
      let result;
      try {
        result = getObject(arg0) instanceof Response;
      } catch (_) {
        result = false;
      }
      const ret = result;
      return ret;
    },
    __wbg_instanceof_Uint8Array_828cef2aaacafc31: function(arg0) {
      let result;
      try {
        result = getObject(arg0) instanceof Uint8Array;
      } catch (_) {
        result = false;
      }
      const ret = result;
      return ret;
    },
    __wbg_isArray_e15a2ff68ffdbef2: function(arg0) {
      const ret = Array.isArray(getObject(arg0));
      return ret;
    },
    __wbg_keys_440be172f17c0265: function(arg0) {
      const ret = Object.keys(getObject(arg0));
      return addHeapObject(ret);
    },
    __wbg_length_7f3c00c40364105e: function(arg0) {
      const ret = getObject(arg0).length;
      return ret;
    },
    __wbg_length_d4bdea10311bd9cf: function(arg0) {
      const ret = getObject(arg0).length;
      return ret;
    },
    __wbg_message_5f8387f0c32b90a7: function(arg0) {
      const ret = getObject(arg0).message;
      return addHeapObject(ret);
    },
    __wbg_name_e2eac7cdfa054f65: function(arg0) {
      const ret = getObject(arg0).name;
      return addHeapObject(ret);
    },
    __wbg_new_2e41357094e99294: function() {
      return handleError(function() {
        const ret = new AbortController();
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_new_617a8cdb8bb1130e: function() {
      const ret = new Object();
      return addHeapObject(ret);
    },
    __wbg_new_820eb53f620ccf82: function() {
      return handleError(function(arg0, arg1) {
        const ret = new URL(getStringFromWasm0(arg0, arg1));
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_new_83ca405eae412a62: function() {
      return handleError(function() {
        const ret = new Headers();
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_new_d92488e3f585ed02: function() {
      return handleError(function() {
        const ret = new URLSearchParams();
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_new_ee2291f50781bf1d: function() {
      const ret = new Array();
      return addHeapObject(ret);
    },
    __wbg_new_typed_b01cb72a8af741a3: function(arg0, arg1) {
      try {
        var state0 = { a: arg0, b: arg1 };
        var cb0 = (arg02, arg12) => {
          const a = state0.a;
          state0.a = 0;
          try {
            return __wasm_bindgen_func_elem_1136(a, state0.b, arg02, arg12);
          } finally {
            state0.a = a;
          }
        };
        const ret = new Promise(cb0);
        return addHeapObject(ret);
      } finally {
        state0.a = 0;
      }
    },
    __wbg_new_with_str_2d1292ac88699448: function() {
      return handleError(function(arg0, arg1) {
        const ret = new Request(getStringFromWasm0(arg0, arg1));
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_new_with_str_and_init_4618dee4e950224f: function() {
      return handleError(function(arg0, arg1, arg2) {
        const ret = new Request(getStringFromWasm0(arg0, arg1), getObject(arg2));
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_now_68a4c94248baa1ff: function(arg0) {
      const ret = getObject(arg0).now();
      return ret;
    },
    __wbg_now_aa4ccb83129e9e55: function() {
      const ret = Date.now();
      return ret;
    },
    __wbg_parse_0fc53dead14b3b42: function() {
      return handleError(function(arg0, arg1) {
        const ret = JSON.parse(getStringFromWasm0(arg0, arg1));
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_parse_283556a0ae602db7: function(arg0, arg1) {
      const ret = Date.parse(getStringFromWasm0(arg0, arg1));
      return ret;
    },
    __wbg_prototypesetcall_bc27214492979395: function(arg0, arg1, arg2) {
      Uint8Array.prototype.set.call(getArrayU8FromWasm0(arg0, arg1), getObject(arg2));
    },
    __wbg_push_2baf45db356cf468: function(arg0, arg1) {
      const ret = getObject(arg0).push(getObject(arg1));
      return ret;
    },
    __wbg_queueMicrotask_9833f9a49df95a49: function(arg0) {
      const ret = getObject(arg0).queueMicrotask;
      return addHeapObject(ret);
    },
    __wbg_queueMicrotask_a72f977e97f23c5f: function(arg0) {
      queueMicrotask(getObject(arg0));
    },
    __wbg_random_5a4cafd2f02395ff: function() {
      const ret = Math.random();
      return ret;
    },
    __wbg_read_2a943774344c9728: function(arg0) {
      const ret = getObject(arg0).read();
      return addHeapObject(ret);
    },
    __wbg_resolve_0076e10020304ede: function(arg0) {
      const ret = Promise.resolve(getObject(arg0));
      return addHeapObject(ret);
    },
    __wbg_saveState_e2173eaca4e9b55b: function() {
      return handleError(function(arg0, arg1, arg2, arg3, arg4) {
        getObject(arg0).saveState(getStringFromWasm0(arg1, arg2), getStringFromWasm0(arg3, arg4));
      }, arguments);
    },
    __wbg_search_c401c3a62c560ce7: function(arg0, arg1) {
      const ret = getObject(arg1).search;
      const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
      const len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
      getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
    },
    __wbg_setOutput_13caa79a77411fe5: function() {
      return handleError(function(arg0, arg1, arg2, arg3, arg4) {
        getObject(arg0).setOutput(getStringFromWasm0(arg1, arg2), getStringFromWasm0(arg3, arg4));
      }, arguments);
    },
    __wbg_setSecret_fda09a1f6de54879: function(arg0, arg1, arg2) {
      getObject(arg0).setSecret(getStringFromWasm0(arg1, arg2));
    },
    __wbg_setTimeout_56bcdccbad22fd44: function() {
      return handleError(function(arg0, arg1) {
        const ret = setTimeout(getObject(arg0), arg1);
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_set_145a351398b48c65: function() {
      return handleError(function(arg0, arg1, arg2) {
        const ret = Reflect.set(getObject(arg0), getObject(arg1), getObject(arg2));
        return ret;
      }, arguments);
    },
    __wbg_set_af5932e3f78b5648: function() {
      return handleError(function(arg0, arg1, arg2, arg3, arg4) {
        getObject(arg0).set(getStringFromWasm0(arg1, arg2), getStringFromWasm0(arg3, arg4));
      }, arguments);
    },
    __wbg_set_body_1fb0f1008bfc7df6: function(arg0, arg1) {
      getObject(arg0).body = getObject(arg1);
    },
    __wbg_set_headers_40ad33dcf016613f: function(arg0, arg1) {
      getObject(arg0).headers = getObject(arg1);
    },
    __wbg_set_method_dcb32343247ec427: function(arg0, arg1, arg2) {
      getObject(arg0).method = getStringFromWasm0(arg1, arg2);
    },
    __wbg_set_redirect_cc128ab2411da334: function(arg0, arg1) {
      getObject(arg0).redirect = __wbindgen_enum_RequestRedirect[arg1];
    },
    __wbg_set_search_de4e8694f3b52c24: function(arg0, arg1, arg2) {
      getObject(arg0).search = getStringFromWasm0(arg1, arg2);
    },
    __wbg_set_signal_2dbd377604627f26: function(arg0, arg1) {
      getObject(arg0).signal = getObject(arg1);
    },
    __wbg_signal_e5a49a2d9c65b7f6: function(arg0) {
      const ret = getObject(arg0).signal;
      return addHeapObject(ret);
    },
    __wbg_sleep_6f17e11a6a62a431: function(arg0, arg1) {
      const ret = getObject(arg0).sleep(arg1 >>> 0);
      return addHeapObject(ret);
    },
    __wbg_state_e3a0c4989da6c1fa: function(arg0, arg1, arg2, arg3) {
      const ret = getObject(arg1).state(getStringFromWasm0(arg2, arg3));
      const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
      const len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
      getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
    },
    __wbg_static_accessor_GLOBAL_266715b9d96ba635: function() {
      const ret = typeof global === "undefined" ? null : global;
      return isLikeNone(ret) ? 0 : addHeapObject(ret);
    },
    __wbg_static_accessor_GLOBAL_THIS_10fb7dc1ae063179: function() {
      const ret = typeof globalThis === "undefined" ? null : globalThis;
      return isLikeNone(ret) ? 0 : addHeapObject(ret);
    },
    __wbg_static_accessor_SELF_0b583911f537483a: function() {
      const ret = typeof self === "undefined" ? null : self;
      return isLikeNone(ret) ? 0 : addHeapObject(ret);
    },
    __wbg_static_accessor_WINDOW_d7f903d1508cbdc4: function() {
      const ret = typeof window === "undefined" ? null : window;
      return isLikeNone(ret) ? 0 : addHeapObject(ret);
    },
    __wbg_status_ce0a98d3c57125f3: function(arg0) {
      const ret = getObject(arg0).status;
      return ret;
    },
    __wbg_stringify_52ff602c1cc4fbb6: function() {
      return handleError(function(arg0) {
        const ret = JSON.stringify(getObject(arg0));
        return addHeapObject(ret);
      }, arguments);
    },
    __wbg_then_c949d5a25a4e78f8: function(arg0, arg1, arg2) {
      const ret = getObject(arg0).then(getObject(arg1), getObject(arg2));
      return addHeapObject(ret);
    },
    __wbg_then_e71170d78fcf8954: function(arg0, arg1) {
      const ret = getObject(arg0).then(getObject(arg1));
      return addHeapObject(ret);
    },
    __wbg_toString_0a6162345e699dea: function(arg0) {
      const ret = getObject(arg0).toString();
      return addHeapObject(ret);
    },
    __wbg_toString_83fab3d7c865ecd3: function(arg0) {
      const ret = getObject(arg0).toString();
      return addHeapObject(ret);
    },
    __wbg_trust_eaa7ba5221b2a3f0: function() {
      return handleError(function(arg0, arg1, arg2, arg3) {
        const ret = getObject(arg1).trust(getStringFromWasm0(arg2, arg3));
        const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
        const len1 = WASM_VECTOR_LEN;
        getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
        getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
      }, arguments);
    },
    __wbg_url_7bfada5c2297bc70: function(arg0, arg1) {
      const ret = getObject(arg1).url;
      const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_export, wasm.__wbindgen_export2);
      const len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32(arg0 + 4 * 1, len1, true);
      getDataViewMemory0().setInt32(arg0 + 4 * 0, ptr1, true);
    },
    __wbg_warning_0f2ca53be68b8c4b: function(arg0, arg1, arg2, arg3, arg4) {
      getObject(arg0).warning(getStringFromWasm0(arg1, arg2), getStringFromWasm0(arg3, arg4));
    },
    __wbindgen_generic_0000000000000001: function(arg0, arg1) {
      const ret = makeMutClosure(arg0, arg1, __wasm_bindgen_func_elem_1134);
      return addHeapObject(ret);
    },
    __wbindgen_generic_0000000000000002: function(arg0, arg1) {
      const ret = makeMutClosure(arg0, arg1, __wasm_bindgen_func_elem_337);
      return addHeapObject(ret);
    },
    __wbindgen_generic_0000000000000003: function(arg0) {
      const ret = arg0;
      return addHeapObject(ret);
    },
    __wbindgen_generic_0000000000000004: function(arg0, arg1) {
      const ret = getStringFromWasm0(arg0, arg1);
      return addHeapObject(ret);
    },
    __wbindgen_object_clone_ref: function(arg0) {
      const ret = getObject(arg0);
      return addHeapObject(ret);
    },
    __wbindgen_object_drop_ref: function(arg0) {
      takeObject(arg0);
    }
  };
  return {
    __proto__: null,
    "./reoclo_docker_auth_bg.js": import0
  };
}
function __wasm_bindgen_func_elem_337(arg0, arg1) {
  wasm.__wasm_bindgen_func_elem_337(arg0, arg1);
}
function __wasm_bindgen_func_elem_1136(arg0, arg1, arg2, arg3) {
  wasm.__wasm_bindgen_func_elem_1136(arg0, arg1, addHeapObject(arg2), addHeapObject(arg3));
}
function __wasm_bindgen_func_elem_1134(arg0, arg1, arg2) {
  try {
    const retptr = wasm.__wbindgen_add_to_stack_pointer(-16);
    wasm.__wasm_bindgen_func_elem_1134(retptr, arg0, arg1, addHeapObject(arg2));
    var r0 = getDataViewMemory0().getInt32(retptr + 4 * 0, true);
    var r1 = getDataViewMemory0().getInt32(retptr + 4 * 1, true);
    if (r1) {
      throw takeObject(r0);
    }
  } finally {
    wasm.__wbindgen_add_to_stack_pointer(16);
  }
}
var __wbindgen_enum_RequestRedirect = ["follow", "error", "manual"];
function addHeapObject(obj) {
  if (heap_next === heap.length) heap.push(heap.length + 1);
  const idx = heap_next;
  heap_next = heap[idx];
  heap[idx] = obj;
  return idx;
}
var CLOSURE_DTORS = typeof FinalizationRegistry === "undefined" ? { register: () => {
}, unregister: () => {
} } : new FinalizationRegistry((state) => wasm.__wbindgen_export4(state.a, state.b));
function dropObject(idx) {
  if (idx < 1028) return;
  heap[idx] = heap_next;
  heap_next = idx;
}
function getArrayU8FromWasm0(ptr, len) {
  ptr = ptr >>> 0;
  return getUint8ArrayMemory0().subarray(ptr / 1, ptr / 1 + len);
}
var cachedDataViewMemory0 = null;
function getDataViewMemory0() {
  if (cachedDataViewMemory0 === null || cachedDataViewMemory0.buffer.detached === true || cachedDataViewMemory0.buffer.detached === void 0 && cachedDataViewMemory0.buffer !== wasm.memory.buffer) {
    cachedDataViewMemory0 = new DataView(wasm.memory.buffer);
  }
  return cachedDataViewMemory0;
}
function getStringFromWasm0(ptr, len) {
  return decodeText(ptr >>> 0, len);
}
var cachedUint8ArrayMemory0 = null;
function getUint8ArrayMemory0() {
  if (cachedUint8ArrayMemory0 === null || cachedUint8ArrayMemory0.byteLength === 0) {
    cachedUint8ArrayMemory0 = new Uint8Array(wasm.memory.buffer);
  }
  return cachedUint8ArrayMemory0;
}
function getObject(idx) {
  return heap[idx];
}
function handleError(f, args) {
  try {
    return f.apply(this, args);
  } catch (e) {
    wasm.__wbindgen_export3(addHeapObject(e));
  }
}
var heap = new Array(1024).fill(void 0);
heap.push(void 0, null, true, false);
var heap_next = heap.length;
function isLikeNone(x) {
  return x === void 0 || x === null;
}
function makeMutClosure(arg0, arg1, f) {
  const state = { a: arg0, b: arg1, cnt: 1 };
  const real = (...args) => {
    state.cnt++;
    const a = state.a;
    state.a = 0;
    try {
      return f(a, state.b, ...args);
    } finally {
      state.a = a;
      real._wbg_cb_unref();
    }
  };
  real._wbg_cb_unref = () => {
    if (--state.cnt === 0) {
      wasm.__wbindgen_export4(state.a, state.b);
      state.a = 0;
      CLOSURE_DTORS.unregister(state);
    }
  };
  CLOSURE_DTORS.register(real, state, state);
  return real;
}
function passStringToWasm0(arg, malloc, realloc) {
  if (realloc === void 0) {
    const buf = cachedTextEncoder.encode(arg);
    const ptr2 = malloc(buf.length, 1) >>> 0;
    getUint8ArrayMemory0().subarray(ptr2, ptr2 + buf.length).set(buf);
    WASM_VECTOR_LEN = buf.length;
    return ptr2;
  }
  let len = arg.length;
  let ptr = malloc(len, 1) >>> 0;
  const mem = getUint8ArrayMemory0();
  let offset = 0;
  for (; offset < len; offset++) {
    const code = arg.charCodeAt(offset);
    if (code > 127) break;
    mem[ptr + offset] = code;
  }
  if (offset !== len) {
    if (offset !== 0) {
      arg = arg.slice(offset);
    }
    ptr = realloc(ptr, len, len = offset + arg.length * 3, 1) >>> 0;
    const view = getUint8ArrayMemory0().subarray(ptr + offset, ptr + len);
    const ret = cachedTextEncoder.encodeInto(arg, view);
    offset += ret.written;
    ptr = realloc(ptr, len, offset, 1) >>> 0;
  }
  WASM_VECTOR_LEN = offset;
  return ptr;
}
function takeObject(idx) {
  const ret = getObject(idx);
  dropObject(idx);
  return ret;
}
var cachedTextDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
cachedTextDecoder.decode();
var MAX_SAFARI_DECODE_BYTES = 2146435072;
var numBytesDecoded = 0;
function decodeText(ptr, len) {
  numBytesDecoded += len;
  if (numBytesDecoded >= MAX_SAFARI_DECODE_BYTES) {
    cachedTextDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
    cachedTextDecoder.decode();
    numBytesDecoded = len;
  }
  return cachedTextDecoder.decode(getUint8ArrayMemory0().subarray(ptr, ptr + len));
}
var cachedTextEncoder = new TextEncoder();
if (!("encodeInto" in cachedTextEncoder)) {
  cachedTextEncoder.encodeInto = function(arg, view) {
    const buf = cachedTextEncoder.encode(arg);
    view.set(buf);
    return {
      read: arg.length,
      written: buf.length
    };
  };
}
var WASM_VECTOR_LEN = 0;
var wasmModule;
var wasmInstance;
var wasm;
function __wbg_finalize_init(instance, module2) {
  wasmInstance = instance;
  wasm = instance.exports;
  wasmModule = module2;
  cachedDataViewMemory0 = null;
  cachedUint8ArrayMemory0 = null;
  return wasm;
}
async function __wbg_load(module2, imports) {
  if (typeof Response === "function" && module2 instanceof Response) {
    if (!module2.ok) {
      throw new Error(`failed to fetch Wasm: ${module2.status} ${module2.statusText} fetching '${module2.url}'`);
    }
    if (typeof WebAssembly.instantiateStreaming === "function") {
      try {
        return await WebAssembly.instantiateStreaming(module2, imports);
      } catch (e) {
        const validResponse = expectedResponseType(module2.type);
        if (validResponse && module2.headers.get("Content-Type") !== "application/wasm") {
          console.warn("`WebAssembly.instantiateStreaming` failed because your server does not serve Wasm with `application/wasm` MIME type. Falling back to `WebAssembly.instantiate` which is slower. Original error:\n", e);
        } else {
          throw e;
        }
      }
    }
    const bytes = await module2.arrayBuffer();
    return await WebAssembly.instantiate(bytes, imports);
  } else {
    const instance = await WebAssembly.instantiate(module2, imports);
    if (instance instanceof WebAssembly.Instance) {
      return { instance, module: module2 };
    } else {
      return instance;
    }
  }
  function expectedResponseType(type) {
    switch (type) {
      case "basic":
      case "cors":
      case "default":
        return true;
    }
    return false;
  }
}
function initSync(module2) {
  if (wasm !== void 0) return wasm;
  if (module2 !== void 0) {
    if (Object.getPrototypeOf(module2) === Object.prototype) {
      ({ module: module2 } = module2);
    } else {
      console.warn("using deprecated parameters for `initSync()`; pass a single object instead");
    }
  }
  const imports = __wbg_get_imports();
  if (!(module2 instanceof WebAssembly.Module)) {
    module2 = new WebAssembly.Module(module2);
  }
  const instance = new WebAssembly.Instance(module2, imports);
  return __wbg_finalize_init(instance, module2);
}
async function __wbg_init(module_or_path) {
  if (wasm !== void 0) return wasm;
  if (module_or_path !== void 0) {
    if (Object.getPrototypeOf(module_or_path) === Object.prototype) {
      ({ module_or_path } = module_or_path);
    } else {
      console.warn("using deprecated parameters for the initialization function; pass a single object instead");
    }
  }
  const imports = __wbg_get_imports();
  if (typeof module_or_path === "string" || typeof Request === "function" && module_or_path instanceof Request || typeof URL === "function" && module_or_path instanceof URL) {
    module_or_path = fetch(module_or_path);
  }
  const { instance, module: module2 } = await __wbg_load(await module_or_path, imports);
  return __wbg_finalize_init(instance, module2);
}

// js/fetch.js
var Headers2 = class extends Map {
};
var Request2 = class {
  constructor(url, { method = "GET", headers = new Headers2(), body, signal } = {}) {
    Object.assign(this, { url, method, headers, body, signal });
  }
};
var Response2 = class {
  constructor(message) {
    message.on("error", () => {
    });
    this.status = message.statusCode;
    this.headers = new Headers2(Object.entries(message.headers));
    this.body = { getReader: () => new Reader(message) };
  }
};
var Reader = class {
  #message;
  #wake = () => {
  };
  constructor(message) {
    this.#message = message;
    for (const event of ["readable", "end", "close"]) message.on(event, () => this.#wake());
  }
  async read() {
    for (; ; ) {
      const value = this.#message.read();
      if (value || this.#message.readableEnded) return { value };
      if (this.#message.destroyed) throw broken(this.#message.errored ?? new Error("aborted"));
      await new Promise((resolve) => this.#wake = resolve);
    }
  }
};
var AGENT = {
  keepAlive: true,
  // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: there is no switch that turns this off.
  rejectUnauthorized: true
};
var PROXY_VARIABLE = /^(https?|all)_proxy$/i;
var CONNECT_TIMEOUT_MS = 1e4;
var agents = /* @__PURE__ */ new Map();
var ca;
var http = () => require("node:http");
var https = () => require("node:https");
var network = () => require("./network.cjs");
function trust(text) {
  const { certificates, trusted } = network();
  const pem = certificates(text);
  ca = trusted(pem, process.env);
  return pem;
}
function agentFor(url, { Agent }) {
  const { env } = process;
  if (!agents.has(url.origin)) {
    const isPlain = !ca && !Object.keys(env).some((name) => PROXY_VARIABLE.test(name) && env[name]);
    const given = isPlain ? void 0 : network().agentFor(url, { env, ca, options: AGENT, connectTimeoutMs: CONNECT_TIMEOUT_MS });
    agents.set(url.origin, given ?? new Agent(AGENT));
  }
  return agents.get(url.origin);
}
function fetch2({ url: address, method, headers, body, signal }) {
  return new Promise((resolve, reject) => {
    const url = new URL(address);
    const transport = url.protocol === "https:" ? https() : http();
    const options = { ...AGENT, ca, agent: agentFor(url, transport), method, headers: Object.fromEntries(headers) };
    const call = transport.request(url, options);
    signal.addEventListener("abort", () => {
      if (!call.res?.complete) call.destroy();
      reject(new Error("aborted"));
    });
    let isConnected = false;
    call.on("socket", (socket) => whenConnected(socket, () => isConnected = true)).on("response", (message) => resolve(new Response2(message))).on("error", (error2) => reject(isConnected ? broken(error2) : error2.errors?.[0] ?? error2)).on("close", () => reject(Object.assign(new Error("the connection was closed without a reply"), { code: "ECONNRESET" }))).end(body);
  });
}
function whenConnected(socket, connected) {
  if (!socket.connecting && !socket.secureConnecting) return connected();
  const late = Object.assign(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1e3} s`), { code: "ERR_CONNECT_TIMEOUT" });
  const timer = setTimeout(() => socket.destroy(late), CONNECT_TIMEOUT_MS);
  const event = socket.encrypted ? "secureConnect" : "connect";
  socket.once(event, connected);
  for (const over of [event, "close"]) socket.once(over, () => clearTimeout(timer));
}
function broken(error2) {
  if (!/^(ERR_SSL|ERR_TLS|EPROTO|EHOSTUNREACH|ENETUNREACH)/.test(error2.code)) return error2;
  return Object.assign(new Error(`the connection broke (${error2.code})`), { code: "ECONNRESET" });
}
var web = { fetch: fetch2, Headers: Headers2, Request: Request2, Response: Response2 };

// js/host.js
var import_node_os = require("node:os");
var stopped = new Promise((resolve) => ["SIGINT", "SIGTERM"].forEach((signal) => process.once(signal, resolve)));
var host = {
  input: (name) => getInput(name, { trimWhitespace: false }),
  env: (name) => process.env[name] ?? "",
  state: getState,
  saveState,
  setOutput,
  setSecret,
  trust,
  info,
  warning: (message, title) => warning(message, { title }),
  error: (message, title) => error(message, { title }),
  command: (line) => process.stdout.write(line + import_node_os.EOL),
  // Not performance.now(): loading that takes 2 ms.
  now: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1e3 + nanoseconds / 1e6;
  },
  cancelled: () => stopped,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  base64: (text) => Buffer.from(text).toString("base64"),
  decodeBase64: (base64) => Buffer.from(base64, "base64").toString()
};

// js/stdout.js
var import_node_fs = require("node:fs");
var FD = 1;
var pause = new Int32Array(new SharedArrayBuffer(4));
function write(text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray((0, import_node_fs.writeSync)(FD, rest));
    } catch ({ code }) {
      if (code !== "EAGAIN") return;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
var stdout = { write };

// js/start.js
Object.defineProperty(process, "stdout", { value: stdout });
var OLDEST_NODE = 20;
var REPORT = "Please report this, with the lines above, at https://github.com/reoclo/docker-auth/issues";
function start(recipe, { exitCode, failed }) {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    const fix = `Fix: let this runner use Node ${OLDEST_NODE} or newer.`;
    process.exit(failed("Node is too old", `This action needs Node ${OLDEST_NODE} or newer, and this runner started it with Node ${process.versions.node}. ${fix}`));
  }
  const crash = (reason) => process.exit(failed("Internal error", `${told(reason)}. ${REPORT}`));
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  process.on("beforeExit", () => crash(new Error("the step has lost its way")));
  Object.assign(globalThis, web);
  initSync({ module: (0, import_node_fs2.readFileSync)((0, import_node_path.join)(__dirname, "reoclo_docker_auth.wasm")) });
  reoclo_docker_auth_exports[recipe](host).then((result) => process.exit(exitCode(result)), crash);
}
function told(reason) {
  if (!(reason instanceof Error)) return "unknown failure";
  const [place] = /wasm-function\[\d+\]:0x[0-9a-f]+/.exec(reason.stack) ?? [];
  return place ? `${reason.message} in ${place}` : reason.message;
}

// js/post.js
start("runPost", {
  exitCode: () => 0,
  failed: (title, message) => {
    warning(message, { title });
    return 0;
  }
});
