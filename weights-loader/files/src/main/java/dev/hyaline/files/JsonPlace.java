package dev.hyaline.files;

import java.util.List;
import java.util.stream.Stream;
import tools.jackson.core.JsonParser;

/**
 * The place of a value in a text, whose line is looked for when it is asked for.
 *
 * @param steps keys and indices that lead to it
 */
record JsonPlace(String text, List<Object> steps) {
    /** The place of a key's value or of an element. */
    JsonPlace child(Object step) {
        return new JsonPlace(
                text, Stream.concat(steps.stream(), Stream.of(step)).toList());
    }

    /** The line of its key, or of the value itself in a list, counted from 1. */
    int line() {
        try (JsonParser parser = Json.parser(text)) {
            parser.nextToken();
            int line = parser.currentTokenLocation().getLineNr();
            for (Object step : steps) {
                parser.nextToken();
                if (step instanceof Integer index) {
                    for (int i = 0; i < index; i++) {
                        skip(parser);
                    }
                    line = parser.currentTokenLocation().getLineNr();
                } else {
                    while (!parser.currentName().equals(step)) {
                        parser.nextToken();
                        skip(parser);
                    }
                    line = parser.currentTokenLocation().getLineNr();
                    parser.nextToken();
                }
            }
            return line;
        }
    }

    private static void skip(JsonParser parser) {
        parser.skipChildren();
        parser.nextToken();
    }
}
