/**
 * Pages for a browser: one HTML file each, which needs no network. A {@link dev.hyaline.explorer.Page} is made of
 * {@link dev.hyaline.explorer.View}s: text, figures, tables, verdicts. A view of your own is a small class that writes
 * elements and text with an {@link dev.hyaline.explorer.HtmlWriter}, which escapes all of it. A
 * {@link dev.hyaline.explorer.DataView} is also drawn by a script, which the page then holds, and answers to the
 * reader.
 */
package dev.hyaline.explorer;
