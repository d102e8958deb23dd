/**
 * Results as people and programs read them: tables on the terminal, JSON documents and files.
 * {@link dev.hyaline.tools.report.Table} aligns columns; the other classes know one kind of result each.
 */
package dev.hyaline.tools.report;
