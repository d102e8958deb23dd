package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import picocli.CommandLine.Option;

/** Options for a dump that is only forecast. */
public final class DryRunOptions implements CheckedOptions {
    @Option(
            names = "--dry-run",
            description = "Show what would be written and how large it is, and stop. For shards, run the model for ten"
                    + " seconds to tell the time it takes, and whether to store or to compute again.")
    private boolean dryRun;

    @Option(
            names = "--prices",
            paramLabel = "X,Y",
            split = ",",
            description = "With --dry-run: prices of a core-hour and of a gigabyte for a month. Default: 0.04,0.023")
    private List<Double> prices = List.of(0.04, 0.023);

    /** Returns whether nothing is to be written. */
    public boolean isGiven() {
        return dryRun;
    }

    /** Price of a core-hour. */
    public double corePrice() {
        return prices.get(0);
    }

    /** Price of a gigabyte for a month. */
    public double diskPrice() {
        return prices.get(1);
    }

    @Override
    public void check() {
        if (prices.size() != 2 || !prices.stream().allMatch(price -> price > 0 && price < Double.POSITIVE_INFINITY)) {
            throw new BadInputException(
                    "--prices must be those of a core-hour and of a gigabyte for a month, such as 0.04,0.023");
        }
    }
}
