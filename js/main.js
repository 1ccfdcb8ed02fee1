// The main step, which runners call first.
import { main } from './action.js';

main();
