package dev.hyaline.analysis.sparse;

import dev.hyaline.instrument.weights.ProcessingStep;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * The origin of an autoencoder and the sites it is attached to, as far as its files say. Immutable; each method that
 * takes a value returns a changed copy.
 */
public final class SaeMetadata {
    private static final SaeMetadata UNKNOWN = new SaeMetadata();

    // Written only while a copy is made.
    private @Nullable String modelName;
    private @Nullable String hookName;
    private @Nullable String hookNameOut;
    private @Nullable Integer head;
    private @Nullable Integer contextSize;
    private @Nullable Boolean prependBos;
    private @Nullable Boolean centred;
    private @Nullable List<ProcessingStep> processing;
    private List<Integer> excludedTokens = List.of();
    private Map<String, String> more = Map.of();

    private SaeMetadata() {}

    private SaeMetadata copy() {
        SaeMetadata copy = new SaeMetadata();
        copy.modelName = modelName;
        copy.hookName = hookName;
        copy.hookNameOut = hookNameOut;
        copy.head = head;
        copy.contextSize = contextSize;
        copy.prependBos = prependBos;
        copy.centred = centred;
        copy.processing = processing;
        copy.excludedTokens = excludedTokens;
        copy.more = more;
        return copy;
    }

    /** Nothing is known. */
    public static SaeMetadata unknown() {
        return UNKNOWN;
    }

    /** The model's name. */
    public Optional<String> modelName() {
        return Optional.ofNullable(modelName);
    }

    /** The site that it reads. */
    public Optional<String> hookName() {
        return Optional.ofNullable(hookName);
    }

    /** The site that a transcoder writes. */
    public Optional<String> hookNameOut() {
        return Optional.ofNullable(hookNameOut);
    }

    /** The only head that it reads. */
    public OptionalInt head() {
        return head == null ? OptionalInt.empty() : OptionalInt.of(head);
    }

    /** Tokens of a text in training. */
    public OptionalInt contextSize() {
        return contextSize == null ? OptionalInt.empty() : OptionalInt.of(contextSize);
    }

    /** Returns whether texts began with the token that begins a text. */
    public Optional<Boolean> prependBos() {
        return Optional.ofNullable(prependBos);
    }

    /**
     * Returns whether the model's writing weights were centred ({@code center_writing_weights}), so that it expects
     * residuals without their mean.
     */
    public Optional<Boolean> centred() {
        return Optional.ofNullable(centred);
    }

    /** What was done to the model's weights. */
    public Optional<List<ProcessingStep>> processing() {
        return Optional.ofNullable(processing);
    }

    /** Tokens that training left out. */
    public List<Integer> excludedTokens() {
        return excludedTokens;
    }

    /** All else that the files say, as JSON by key. */
    public Map<String, String> more() {
        return more;
    }

    /** The same of a model and the site that it reads. */
    public SaeMetadata at(String model, String hook) {
        return ofModel(model).reading(hook);
    }

    /** The same of a model. */
    public SaeMetadata ofModel(String model) {
        SaeMetadata changed = copy();
        changed.modelName = model;
        return changed;
    }

    /** The same of a site that it reads. */
    public SaeMetadata reading(String hook) {
        SaeMetadata changed = copy();
        changed.hookName = hook;
        return changed;
    }

    /** The same of a transcoder that writes a site. */
    public SaeMetadata writing(String hookOut) {
        SaeMetadata changed = copy();
        changed.hookNameOut = hookOut;
        return changed;
    }

    /** The same, reading one head alone. */
    public SaeMetadata ofHead(int index) {
        SaeMetadata changed = copy();
        changed.head = index;
        return changed;
    }

    /** The same, of texts of so many tokens that begin, or do not, with the token that begins a text. */
    public SaeMetadata texts(int tokens, boolean begun) {
        return contextSize(tokens).prependBos(begun);
    }

    /** The same, of texts of so many tokens. */
    public SaeMetadata contextSize(int tokens) {
        SaeMetadata changed = copy();
        changed.contextSize = tokens;
        return changed;
    }

    /** The same, of texts that begin, or do not, with the token that begins a text. */
    public SaeMetadata prependBos(boolean begun) {
        SaeMetadata changed = copy();
        changed.prependBos = begun;
        return changed;
    }

    /** The same, trained in this basis; of other steps nothing is known. */
    public SaeMetadata centred(boolean isCentred) {
        SaeMetadata changed = copy();
        changed.centred = isCentred;
        changed.processing = null;
        return changed;
    }

    /** The same, trained on a model whose weights were processed by these steps alone. */
    public SaeMetadata processed(List<ProcessingStep> steps) {
        SaeMetadata changed = centred(steps.contains(ProcessingStep.CENTER_WRITING_WEIGHTS));
        changed.processing = List.copyOf(steps);
        return changed;
    }

    /** The same, trained without these tokens. */
    public SaeMetadata excluding(List<Integer> tokens) {
        SaeMetadata changed = copy();
        changed.excludedTokens = List.copyOf(tokens);
        return changed;
    }

    /** The same, with one more fact, as JSON. */
    public SaeMetadata with(String key, String json) {
        return with(Map.of(key, json));
    }

    /** The same, with more facts, as JSON by key. */
    public SaeMetadata with(Map<String, String> facts) {
        Map<String, String> added = new LinkedHashMap<>(more);
        added.putAll(facts);
        SaeMetadata changed = copy();
        changed.more = Collections.unmodifiableMap(added);
        return changed;
    }

    private List<@Nullable Object> facts() {
        return Arrays.asList(
                modelName,
                hookName,
                hookNameOut,
                head,
                contextSize,
                prependBos,
                centred,
                processing,
                excludedTokens,
                more);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof SaeMetadata metadata && facts().equals(metadata.facts());
    }

    @Override
    public int hashCode() {
        return facts().hashCode();
    }

    /** The known facts, for people. */
    @Override
    public String toString() {
        StringJoiner known = new StringJoiner(", ", "[", "]");
        modelName().ifPresent(model -> known.add("of " + model));
        hookName().ifPresent(hook -> known.add("reads " + hook));
        hookNameOut().ifPresent(hook -> known.add("writes " + hook));
        head().ifPresent(index -> known.add("head " + index));
        contextSize().ifPresent(tokens -> known.add("texts of " + tokens + " tokens"));
        prependBos().ifPresent(begun -> known.add(begun ? "begun" : "not begun"));
        centred().ifPresent(is -> known.add(is ? "centred" : "not centred"));
        processing()
                .filter(steps -> !steps.isEmpty())
                .ifPresent(steps -> known.add("of weights processed by " + ProcessingStep.names(steps)));
        return known.toString();
    }
}
