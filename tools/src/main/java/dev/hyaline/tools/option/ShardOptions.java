package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import dev.hyaline.instrument.dump.LongDocuments;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Options for dumping a corpus. All but {@code --resume} and {@code --force} request shards. */
public final class ShardOptions implements CheckedOptions {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,12}(?:\\.\\d{1,6})?)\\s*([kMGT]?B?)");
    private static final Map<String, Long> UNITS =
            Map.of("", 1L, "k", 1_000L, "M", 1_000_000L, "G", 1_000_000_000L, "T", 1_000_000_000_000L);

    @Option(
            names = "--shards",
            negatable = true,
            description = {
                "Write shards, or one file, whatever the number of tokens. Default: shards for more than 65,536 tokens,"
                        + " or if one of the next seven options is given."
            })
    private @Nullable Boolean shards;

    @Option(
            names = "--shard-size",
            paramLabel = "SIZE",
            description = "About the size of a shard: 500MB, 2GB. Default: 256MB")
    @Nullable
    String size;

    @Option(
            names = "--every",
            paramLabel = "N",
            description = "Only every N-th token, counted across the documents, of those that the other filters keep.")
    public @Nullable Integer every;

    @Option(names = "--skip-bos", description = "Leave out the token that begins a document's text.")
    public boolean skipBos;

    @Option(
            names = "--long",
            paramLabel = "RULE",
            completionCandidates = Choice.LongDocumentRules.class,
            converter = Choice.LongDocumentRules.class,
            description = {
                "What to do with a document of more tokens than the model has positions: ${COMPLETION-CANDIDATES}."
                        + " When split, each piece is run by itself, later ones without the token that begins a text."
                        + " With --no-shards, error or truncate. Default: error"
            })
    public @Nullable LongDocuments longDocuments;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "With --pack: tokens of a window, at most as many as the model has positions.")
    public @Nullable Integer context;

    @Option(
            names = "--pack",
            description = {
                "Join the documents, of any length, and cut them into windows of --context tokens, which the model"
                        + " reads instead of documents. The tail is left out."
            })
    public boolean pack;

    @Option(
            names = "--batch-tokens",
            paramLabel = "N",
            description = "About how many tokens a pass processes; does not change values. Default: 2048")
    public @Nullable Integer batchTokens;

    @ArgGroup
    private Existing existing = new Existing();

    /** The choice between resuming and replacing an existing dump. */
    private static final class Existing {
        @Option(
                names = "--resume",
                description = {
                    "Continue a dump that was stopped; its files end up as if it had not been. If there is none, begin"
                            + " one."
                })
        private boolean resume;

        @Option(
                names = "--force",
                description = {
                    "Replace a dump in the folder: one file once the new one is complete, shards from the start."
                })
        private boolean force;
    }

    /** The action to take if the folder already holds a dump. */
    public IfExists ifExists() {
        return existing.resume ? IfExists.RESUME : existing.force ? IfExists.REPLACE : IfExists.REFUSE;
    }

    /** Returns whether shards are written whatever the number of tokens. */
    public boolean areRequired() {
        return Boolean.TRUE.equals(shards) || areDescribed() || (longDocuments != null && !areRefused());
    }

    /** Returns whether one file is written whatever the number of tokens. */
    public boolean areRefused() {
        return Boolean.FALSE.equals(shards);
    }

    /** Returns whether prompts that are written to one file are cut off where the model has no more positions. */
    public boolean truncatesOneFile() {
        return areRefused() && longDocuments == LongDocuments.TRUNCATE;
    }

    /** The options that give the same file again. */
    public List<String> canonicalInOneFile() {
        return truncatesOneFile()
                ? List.of("--no-shards", "--long", LongDocuments.TRUNCATE.toString())
                : List.of("--no-shards");
    }

    /** Returns whether an option is given that does not apply to one file. */
    private boolean areDescribed() {
        return size != null || every != null || skipBos || batchTokens != null || context != null || pack;
    }

    @Override
    public void check() {
        if (areRefused() && areDescribed()) {
            throw new BadInputException("--no-shards excludes the options that are for shards: --shard-size, --every,"
                    + " --skip-bos, --context, --pack and --batch-tokens");
        }
        if (areRefused() && longDocuments == LongDocuments.SPLIT) {
            throw new BadInputException("--long split cuts a document into pieces, which shards hold; with --no-shards"
                    + " it can only be cut off: --long truncate");
        }
        if (pack && context == null) {
            throw new BadInputException("--pack needs --context, the tokens of a window");
        }
        if (!pack && context != null) {
            throw new BadInputException("--context goes with --pack");
        }
        if (pack && (skipBos || longDocuments != null)) {
            throw new BadInputException((skipBos ? "--skip-bos" : "--long")
                    + " is for documents, which --pack joins and cuts; leave one of the two out");
        }
        if (context != null) {
            CheckedOptions.requireAtLeast("--context", 1, context);
        }
        if (every != null) {
            CheckedOptions.requireAtLeast("--every", 1, every);
        }
        if (batchTokens != null) {
            CheckedOptions.requireAtLeast("--batch-tokens", 1, batchTokens);
        }
        bytes();
    }

    public long bytes() {
        if (size == null) {
            return CorpusDump.SHARD_BYTES;
        }
        Matcher match = SIZE.matcher(size.strip());
        if (!match.matches()) {
            throw new BadInputException(
                    "--shard-size must be a size such as 800kB, 500MB or 2GB, found '" + size + "'");
        }
        long bytes = new BigDecimal(match.group(1))
                .multiply(BigDecimal.valueOf(UNITS.getOrDefault(match.group(2).replace("B", ""), 1L)))
                .longValue();
        if (bytes < 1) {
            throw new BadInputException("--shard-size must be at least one byte, found '" + size + "'");
        }
        return bytes;
    }

    public int every() {
        return every == null ? 1 : every;
    }

    public int batchTokens() {
        return batchTokens == null ? CorpusDump.BATCH_TOKENS : batchTokens;
    }

    public LongDocuments longDocuments() {
        return longDocuments == null ? LongDocuments.ERROR : longDocuments;
    }

    /** The options that give the same shards again. */
    public List<String> canonical() {
        List<String> options = new ArrayList<>(List.of(
                "--shards",
                "--shard-size",
                String.format(Locale.ROOT, "%d", bytes()),
                "--every",
                String.format(Locale.ROOT, "%d", every())));
        options.addAll(
                context == null
                        ? List.of("--long", longDocuments().toString())
                        : List.of("--context", String.format(Locale.ROOT, "%d", context), "--pack"));
        if (skipBos) {
            options.add("--skip-bos");
        }
        return options;
    }
}
