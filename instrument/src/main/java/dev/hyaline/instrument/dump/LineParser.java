package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import java.util.Optional;

/**
 * The reading of a line of an input file as a document. It may be called on several threads at a time, and depends on
 * nothing but its arguments.
 */
@FunctionalInterface
public interface LineParser {
    /**
     * Reads a line.
     *
     * @param file name of the file
     * @param line number of the line, from 1
     * @param content its bytes, without the line feed
     * @return empty if the line is blank
     * @throws BadInputException naming file and line, if it is no document
     */
    Optional<Document> document(String file, long line, byte[] content);
}
