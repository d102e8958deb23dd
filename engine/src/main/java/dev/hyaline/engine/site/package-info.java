/**
 * The forward pass as data, and how to watch it.
 *
 * <p>Reading order: {@link dev.hyaline.engine.site.Stage} and {@link dev.hyaline.engine.site.Site}, the pass as a
 * table; {@link dev.hyaline.engine.site.Boundary}, where it can begin and stop;
 * {@link dev.hyaline.engine.site.HookPoint}, a site of a layer; {@link dev.hyaline.engine.site.Probe} and
 * {@link dev.hyaline.engine.site.Activation}, who watches and what is shown;
 * {@link dev.hyaline.engine.site.DeclaredEdit}, an edit that a device can make by itself.
 */
package dev.hyaline.engine.site;
