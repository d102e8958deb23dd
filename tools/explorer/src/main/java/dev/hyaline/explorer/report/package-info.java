/** The report of an investigation as a page. */
package dev.hyaline.explorer.report;
