package dev.hyaline.tools.option;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.dump.DumpReader;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The run that interventions take values from. */
public final class EditSource implements CheckedOptions {
    /** The name of the source in JSON. */
    private static final String NAME = "source";

    @ArgGroup
    private Source source = new Source();

    private @Nullable ActivationSource dump;

    /** The origin of the values: prompts that are run, or a dump. */
    private static final class Source {
        @Option(
                names = "--source",
                paramLabel = "TEXT",
                description = {
                    "A prompt whose run --patch, --mean and --resample take values from; give it again for more. From"
                        + " one, --patch takes the values for all prompts; from more, each prompt takes those of its"
                        + " own. JSON calls them \"source\"."
                })
        private List<String> texts = new ArrayList<>();

        @Option(
                names = "--source-dump",
                paramLabel = "DIR",
                description = {
                    "A dump to take them from instead; --patch takes each prompt's values from the same prompt there."
                })
        private @Nullable String dump;
    }

    @Override
    public void check() {
        if (source.dump != null) {
            PathOption.readableOrFolder("--source-dump", source.dump);
        }
    }

    @Override
    public void readInputs(InputStream standardInput) {
        if (source.dump != null) {
            dump = DumpReader.open(PathOption.parse("--source-dump", source.dump));
        }
    }

    /** The options that choose the same again. */
    List<String> canonical() {
        List<String> options = new ArrayList<>();
        EditOptions.repeat(options, "--source", source.texts);
        if (source.dump != null) {
            options.addAll(List.of("--source-dump", source.dump));
        }
        return options;
    }

    boolean isGiven() {
        return !source.texts.isEmpty() || source.dump != null;
    }

    /** Returns whether there is only one prompt, whose values are then used for every prompt. */
    boolean isOne() {
        return source.texts.size() == 1;
    }

    /**
     * The values, if there is a source.
     *
     * @param points to record where the source is run
     */
    Optional<ActivationSource> read(
            Gpt2 engine, PromptOptions prompts, ModelVocabulary vocabulary, Set<HookPoint> points) {
        if (source.texts.isEmpty()) {
            return Optional.ofNullable(dump);
        }
        Gpt2Config config = engine.config();
        List<PromptInput> inputs = new ArrayList<>();
        for (String text : source.texts) {
            String name = source.texts.size() == 1 ? "--source" : "--source " + inputs.size();
            inputs.add(new PromptInput.OfText(name, text));
        }
        Prompts sources = prompts.encode(inputs, config, vocabulary);
        return Optional.of(ActivationCache.record(engine, sources, Capture.of(List.copyOf(points)))
                .source());
    }

    /** A stand-in for the result of {@link #read}, to check edits before any prompt is run; it has no values. */
    Optional<ActivationSource> unread() {
        return source.texts.isEmpty() ? Optional.ofNullable(dump) : Optional.of(new Unread(source.texts.size()));
    }

    /** Prompts that have not been run. */
    private record Unread(int sequences) implements ActivationSource {
        @Override
        public int length(int sequence) {
            throw unread();
        }

        @Override
        public boolean holds(HookPoint point, int sequence, int position) {
            throw unread();
        }

        @Override
        public void read(Slot slot, float[] out) {
            throw unread();
        }

        private static IllegalStateException unread() {
            return new IllegalStateException("the prompts of --source have not been run yet");
        }
    }

    /** The sources that JSON may refer to, by name. */
    static Map<String, ActivationSource> named(@Nullable ActivationSource source) {
        return source == null ? Map.of() : Map.of(NAME, source);
    }

    static BadInputException missing(String option) {
        return new BadInputException(option + " needs a run to take values from: give its prompt with --source TEXT, or"
                + " a dump of it with --source-dump DIR");
    }
}
