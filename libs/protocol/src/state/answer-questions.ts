import type { Answer, Question, Questions, ResolutionAnswers } from './resolution-answers.js';

/** `ResolutionAnswers` of somebody who may have to look them up first. */
export type ResolutionAnswersInTime<Id> = {
  readonly [Ask in keyof ResolutionAnswers<Id>]: (
    ...about: Parameters<ResolutionAnswers<Id>[Ask]>
  ) => ReturnType<ResolutionAnswers<Id>[Ask]> | Promise<ReturnType<ResolutionAnswers<Id>[Ask]>>;
};

/** The result of a computation whose questions are answered at once. What an answer throws ends it. */
export function answerAtOnce<Id, Result>(questions: Questions<Id, Result>, answers: ResolutionAnswers<Id>): Result {
  let step = questions.next();
  while (!step.done) step = questions.next(answerTo(step.value, answers) as Answer<Id>);
  return step.value;
}

/** As `answerAtOnce`, waiting for each answer. Between questions nothing waits: those of one round come together. */
export async function answerInTime<Id, Result>(
  questions: Questions<Id, Result>,
  answers: ResolutionAnswersInTime<Id>,
): Promise<Result> {
  let step = questions.next();
  while (!step.done) step = questions.next(await answerTo(step.value, answers));
  return step.value;
}

function answerTo<Id>(
  { ask, about }: Question<Id>,
  answers: ResolutionAnswersInTime<Id>,
): Answer<Id> | Promise<Answer<Id>> {
  const method = answers[ask] as (...about: unknown[]) => Answer<Id> | Promise<Answer<Id>>;
  return method.apply(answers, about);
}
