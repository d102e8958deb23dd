/**
 * What a view shows, as data: a JSON header and numbers in little-endian bytes. The same bytes are embedded in a file
 * and sent by a server, so that a page reads both alike.
 */
package dev.hyaline.explorer.data;
