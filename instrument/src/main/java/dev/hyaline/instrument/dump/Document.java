package dev.hyaline.instrument.dump;

import dev.hyaline.files.RecordText;

/**
 * A text of a {@link Corpus}, as tokens.
 *
 * @param name what it is called in an error, such as the file and line it comes from
 * @param tokens ids; not copied
 */
public record Document(String name, int[] tokens) {
    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
