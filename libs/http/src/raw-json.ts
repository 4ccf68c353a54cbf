import { Header } from '@nestjs/common';

/** The handler answers with JSON text that is sent as it is: no object is built only to be stringified. */
export const AnswersJsonText = (): MethodDecorator => Header('content-type', 'application/json');
