/**
 * The number of units that a study needs, what it could show with those there are
 * ({@link dev.hyaline.analysis.statistics.power.Power}), and bounds for looking before its end
 * ({@link dev.hyaline.analysis.statistics.power.Spending}).
 */
package dev.hyaline.analysis.statistics.power;
