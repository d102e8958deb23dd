/**
 * Pages for a browser: one HTML file each, which needs no network and no script. A {@link dev.hyaline.explorer.Page} is
 * made of {@link dev.hyaline.explorer.View}s: text, figures, tables, verdicts. A view of your own is a small class that
 * writes elements and text with an {@link dev.hyaline.explorer.HtmlWriter}, which escapes all of it.
 */
package dev.hyaline.explorer;
