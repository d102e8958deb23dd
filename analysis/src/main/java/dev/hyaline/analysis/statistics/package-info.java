/**
 * Statistics of per-prompt numbers, as pure functions on arrays: no model is in sight.
 *
 * <p>Read {@link dev.hyaline.analysis.statistics.Units} first: prompts that share what was drawn at random, a name or a
 * document, are one unit, and every test and interval here counts units, not prompts. The primary test is
 * {@link dev.hyaline.analysis.statistics.SignFlip}; the interval to state is
 * {@link dev.hyaline.analysis.statistics.VerdictInterval}; several components are judged together by
 * {@link dev.hyaline.analysis.statistics.Adjustment}. {@code compare} has two samples, {@code association} two
 * variables, sets and findings, {@code power} sample sizes and interim looks.
 *
 * <p>All arithmetic is in double precision and in a fixed order, and random numbers come by label and counter
 * ({@link dev.hyaline.instrument.CounterRandom}), so that neither threads nor other analyses change a result. A number
 * that is undefined, such as a t value without spread, is an empty {@code Optional} if it is asked for by itself, and
 * null in a record of several. NaN and infinities are errors that name the prompt.
 */
package dev.hyaline.analysis.statistics;
