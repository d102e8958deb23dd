/**
 * The commands, a class each: their options, and the order of their work.
 * {@link dev.hyaline.tools.command.HyalineCommand} lists them.
 */
package dev.hyaline.tools.command;
