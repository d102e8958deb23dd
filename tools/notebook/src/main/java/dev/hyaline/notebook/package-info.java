/**
 * Values as a Jupyter notebook shows them. With this library on the class path of rapaio's kernel, a cell that ends
 * with a table of results, a tensor, a picture or a page shows it.
 */
@NullMarked
package dev.hyaline.notebook;

import org.jspecify.annotations.NullMarked;
