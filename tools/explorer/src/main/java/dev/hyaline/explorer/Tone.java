package dev.hyaline.explorer;

import java.util.Locale;

/** How good news is. A page shows it by a colour and by a sign, always beside a word. */
public enum Tone {
    GOOD("✓"),
    BAD("✗"),
    UNSURE("?"),
    PLAIN("");

    private final String sign;

    Tone(String sign) {
        this.sign = sign;
    }

    String sign() {
        return sign;
    }

    /** The name of the tone's class in the page's style. */
    String styleClass() {
        return name().toLowerCase(Locale.ROOT);
    }
}
