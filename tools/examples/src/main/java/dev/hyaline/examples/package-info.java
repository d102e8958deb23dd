/**
 * Five programs to begin with. Each runs by itself, also as a JBang script, and writes something to look at into a
 * folder, which is its only argument.
 */
@NullMarked
package dev.hyaline.examples;

import org.jspecify.annotations.NullMarked;
