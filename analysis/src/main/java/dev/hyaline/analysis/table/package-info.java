/**
 * Results over named axes, as text, files and pictures.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.table.Axis}, {@link dev.hyaline.analysis.table.ResultTable},
 * {@link dev.hyaline.analysis.table.Grid} (a table laid out in rows and columns),
 * {@link dev.hyaline.analysis.table.TablePicture} (a {@link dev.hyaline.analysis.table.HeatMap}, or a
 * {@link dev.hyaline.analysis.table.BarChart} of one axis), {@link dev.hyaline.analysis.table.TableText},
 * {@link dev.hyaline.analysis.table.TableFiles}.
 */
package dev.hyaline.analysis.table;
