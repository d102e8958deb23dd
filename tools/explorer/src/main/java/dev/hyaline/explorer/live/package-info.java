/** A model behind a page: a server for the person at this machine, who looks, changes something and sees the answer. */
package dev.hyaline.explorer.live;
