/**
 * The terminal: streams and colours ({@link dev.hyaline.tools.terminal.Console}), progress, text that is safe to print,
 * and JSON.
 */
package dev.hyaline.tools.terminal;
