// The post step, which runners call when the job ends.
import { post } from './action.js';

post();
