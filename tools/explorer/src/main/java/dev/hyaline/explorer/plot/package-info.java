/** Plots of statistics, drawn as every other {@link dev.hyaline.analysis.picture.Picture}. */
package dev.hyaline.explorer.plot;
