/** Views of results that a page draws and that answer to the reader: each is made of what the library measured. */
package dev.hyaline.explorer.view;
