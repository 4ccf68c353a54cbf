import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';

// grpc-js would write to the console, past our log; what matters of it reaches us as errors.
setLogVerbosity(logVerbosity.NONE);
