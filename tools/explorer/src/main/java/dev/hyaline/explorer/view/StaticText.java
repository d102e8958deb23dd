package dev.hyaline.explorer.view;

import dev.hyaline.explorer.TokenText;
import dev.hyaline.explorer.data.ViewToken;

/** Tokens in what is read without a script. */
final class StaticText {
    private StaticText() {}

    /** A token's text, or its id if it has none. */
    static String of(ViewToken token) {
        return token.text().isEmpty() ? "#" + token.id() : TokenText.shown(token.text());
    }
}
