package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.dump.DumpPlan;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options for a dump that many processes or machines write. */
public final class PartOptions implements CheckedOptions {
    private static final Pattern PART = Pattern.compile("(\\d{1,18})(?:/(\\d{1,18}))?");
    private static final Set<String> WITH_PART =
            Set.of("--part", "--out", "--threads", "--batch-tokens", "--json", "--stacktrace");
    private static final Set<String> WITH_FINISH = Set.of("--finish", "--verify", "--out", "--json", "--stacktrace");

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    @ArgGroup
    private Step step = new Step();

    @Option(names = "--verify", description = "With --finish: read every shard and compare it with its checksum.")
    private boolean verify;

    /** The step of such a dump. */
    private static final class Step {
        @Option(
                names = "--plan",
                description = {
                    "Write only plan.json, by which any number of processes and machines then write the shards, each"
                            + " with the bytes that it has in a dump by one process. The corpus is read through once."
                })
        private boolean plan;

        @Option(
                names = "--part",
                paramLabel = "PART",
                description = {
                    "Write part of a planned dump: 3/16 is the fourth of sixteen parts, which are 0/16 to 15/16; 3 is"
                            + " shard 3. Shards that are done are skipped; a part that was stopped is run again, and"
                            + " --finish removes the hidden files that it left. All else is in plan.json."
                })
        private @Nullable String part;

        @Option(
                names = "--finish",
                description = "Check that all parts of a planned dump are there, and write manifest.json.")
        private boolean finish;
    }

    /** Returns whether only the plan is written. */
    public boolean isPlan() {
        return step.plan;
    }

    /** Returns whether a part is written. */
    public boolean isPart() {
        return step.part != null;
    }

    /** Returns whether the manifest is written. */
    public boolean isFinish() {
        return step.finish;
    }

    /** Returns whether the shards are compared with their checksums. */
    public boolean verifies() {
        return verify;
    }

    /** The shards that are to be written. */
    public DumpPlan.Range part(DumpPlan plan) {
        Matcher part = matcher();
        long index = Long.parseLong(part.group(1));
        try {
            return part.group(2) == null ? plan.shard(index) : plan.part(index, Long.parseLong(part.group(2)));
        } catch (BadInputException e) {
            throw new BadInputException("--part: " + e.getMessage());
        }
    }

    private Matcher matcher() {
        String text = step.part == null ? "" : step.part.strip();
        Matcher part = PART.matcher(text);
        if (!part.matches()) {
            throw new BadInputException(
                    "--part must be one of so many, such as 3/16, or a shard's number, found '" + text + "'");
        }
        if (part.group(2) != null && Long.parseLong(part.group(1)) >= Long.parseLong(part.group(2))) {
            throw new BadInputException("--part: there is no part " + text + "; of " + part.group(2)
                    + " parts the first is 0 and the last one less than their number");
        }
        return part;
    }

    @Override
    public void check() {
        if (verify && !step.finish) {
            throw new BadInputException("--verify goes with --finish");
        }
        if (isPart()) {
            matcher();
            requireAlone("--part", WITH_PART);
        }
        if (step.finish) {
            requireAlone("--finish", WITH_FINISH);
        }
    }

    private void requireAlone(String option, Set<String> allowed) {
        if (command == null) {
            return;
        }
        List<String> others = command.commandLine().getParseResult().matchedOptions().stream()
                .filter(given -> Stream.of(given.names()).noneMatch(allowed::contains))
                .map(given -> given.longestName())
                .toList();
        if (!others.isEmpty()) {
            throw new BadInputException(
                    option + " takes what to write from plan.json; leave out " + String.join(", ", others));
        }
    }
}
