package dev.hyaline.files;

import java.lang.Character.UnicodeBlock;
import java.lang.Character.UnicodeScript;
import java.util.EnumSet;
import java.util.Set;

/**
 * The number of columns that text takes on a terminal: two for East Asian wide characters and emoji, none for combining
 * marks.
 *
 * @see <a href="https://www.unicode.org/reports/tr11/">Unicode Standard Annex 11, East Asian Width</a>
 */
public final class ScreenWidth {
    private static final int FIRST_WIDE = 0x1100;
    private static final int HALF_FILL_SPACE = 0x303F;

    private static final Set<UnicodeScript> WIDE_SCRIPTS = EnumSet.of(
            UnicodeScript.HAN,
            UnicodeScript.HANGUL,
            UnicodeScript.HIRAGANA,
            UnicodeScript.KATAKANA,
            UnicodeScript.BOPOMOFO,
            UnicodeScript.YI,
            UnicodeScript.TANGUT,
            UnicodeScript.NUSHU,
            UnicodeScript.KHITAN_SMALL_SCRIPT);

    private static final Set<UnicodeBlock> WIDE_BLOCKS = Set.of(
            UnicodeBlock.CJK_SYMBOLS_AND_PUNCTUATION,
            UnicodeBlock.IDEOGRAPHIC_DESCRIPTION_CHARACTERS,
            UnicodeBlock.HIRAGANA,
            UnicodeBlock.KATAKANA,
            UnicodeBlock.KANBUN,
            UnicodeBlock.CJK_STROKES,
            UnicodeBlock.ENCLOSED_CJK_LETTERS_AND_MONTHS,
            UnicodeBlock.CJK_COMPATIBILITY,
            UnicodeBlock.VERTICAL_FORMS,
            UnicodeBlock.CJK_COMPATIBILITY_FORMS,
            UnicodeBlock.SMALL_FORM_VARIANTS,
            UnicodeBlock.ENCLOSED_IDEOGRAPHIC_SUPPLEMENT);

    private ScreenWidth() {}

    public static int of(String text) {
        return text.codePoints().map(ScreenWidth::of).sum();
    }

    /** Shortens a text to a number of columns, with an ellipsis in place of the rest. */
    public static String shortened(String text, int columns) {
        if (of(text) <= columns) {
            return text;
        }
        StringBuilder kept = new StringBuilder();
        int width = 1;
        for (int c : text.codePoints().toArray()) {
            width += of(c);
            if (width > columns) {
                break;
            }
            kept.appendCodePoint(c);
        }
        return kept.append('…').toString();
    }

    private static int of(int c) {
        return switch (Character.getType(c)) {
            case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.FORMAT -> 0;
            default -> isWide(c) ? 2 : 1;
        };
    }

    private static boolean isWide(int c) {
        if (c < FIRST_WIDE) {
            return false;
        }
        if (c >= 0xFF00 && c <= 0xFFEF) { // Halfwidth and Fullwidth Forms
            return c <= 0xFF60 || (c >= 0xFFE0 && c <= 0xFFE6);
        }
        // Vowels and final consonants of Hangul are drawn into the syllable that the first one begins.
        if ((c >= 0x1160 && c <= 0x11FF) || (c >= 0xD7B0 && c <= 0xD7FF) || c == HALF_FILL_SPACE) {
            return false;
        }
        // Two regional indicators make one flag.
        boolean emoji = Character.isEmojiPresentation(c) && (c < 0x1F1E6 || c > 0x1F1FF);
        UnicodeBlock block = UnicodeBlock.of(c);
        return emoji || (block != null && WIDE_BLOCKS.contains(block)) || WIDE_SCRIPTS.contains(UnicodeScript.of(c));
    }
}
