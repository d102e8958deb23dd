package dev.hyaline.tools.option;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * All prompts of a command, to be read one at a time and repeatedly.
 *
 * @param parts opened one after the other
 */
public record PromptSource(List<Supplier<Stream<PromptInput>>> parts) {
    /** Opens the prompts, beginning with the first. The caller closes the stream. */
    public Stream<PromptInput> prompts() {
        Chain chain = new Chain(parts.iterator());
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(chain, Spliterator.ORDERED), false)
                .onClose(chain::close);
    }

    /** An iterator over all parts; {@code flatMap} would hold a whole part in memory. */
    private static final class Chain implements Iterator<PromptInput> {
        private final Iterator<Supplier<Stream<PromptInput>>> parts;
        private Stream<PromptInput> part = Stream.empty();
        private Iterator<PromptInput> inputs = part.iterator();

        Chain(Iterator<Supplier<Stream<PromptInput>>> parts) {
            this.parts = parts;
        }

        @Override
        public boolean hasNext() {
            while (!inputs.hasNext() && parts.hasNext()) {
                part.close();
                part = parts.next().get();
                inputs = part.iterator();
            }
            return inputs.hasNext();
        }

        @Override
        public PromptInput next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return inputs.next();
        }

        void close() {
            part.close();
        }
    }
}
