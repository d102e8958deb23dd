package dev.hyaline.tools.option;

import dev.hyaline.engine.Sampling;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The way in which a command draws tokens. */
public final class SamplingOptions {
    @Option(
            names = {"-t", "--temperature"},
            paramLabel = "T",
            description = {
                "Divide logits by T before a token is drawn; 0 takes the likeliest."
                        + " Default: 0, or 1 if --top-k, --top-p or --seed is given"
            })
    private @Nullable Float temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Draw among the K likeliest tokens; 0 draws among all.")
    private @Nullable Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draw among the likeliest tokens that together reach probability P.")
    private @Nullable Float topP;

    /** Returns whether any is given. */
    public boolean isGiven() {
        return temperature != null || topK != null || topP != null;
    }

    /**
     * The way of drawing tokens that the options ask for.
     *
     * @param seed null if none is given
     * @throws BadInputException if options contradict each other or are out of range
     */
    public Sampling sampling(@Nullable Long seed) {
        boolean drawn = topK != null || topP != null || seed != null;
        if (temperature != null && temperature == 0 && drawn) {
            throw new BadInputException("--temperature 0 always takes the likeliest token;"
                    + " leave out --top-k, --top-p and --seed, or raise it");
        }
        if (temperature != null && !(temperature >= 0 && Float.isFinite(temperature))) {
            throw new BadInputException(
                    "--temperature must be a finite number of at least 0, found " + shown(temperature));
        }
        if (topK != null) {
            CheckedOptions.requireAtLeast("--top-k", 0, topK);
        }
        if (topP != null && !(topP > 0 && topP <= 1)) {
            throw new BadInputException("--top-p must be above 0 and at most 1, found " + shown(topP));
        }
        return new Sampling(
                temperature != null ? temperature : drawn ? 1 : 0,
                topK == null ? 0 : topK,
                topP == null ? 1 : topP,
                seed == null ? 0 : seed);
    }

    private static String shown(Float value) {
        return Printable.number(Double.parseDouble(value.toString())); // as a double it has more digits
    }
}
