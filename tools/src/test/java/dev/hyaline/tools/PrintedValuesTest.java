package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.model.LanguageModel;
import dev.hyaline.instrument.run.BaseRun;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Whatever a library hands out says in jshell what it is: no value prints the hash of an object. */
final class PrintedValuesTest {
    /** Classes that are handed to something else, not looked at. */
    private static final Set<String> NOT_LOOKED_AT = Set.of(
            // What runs while a model does.
            "dev.hyaline.instrument.capture.DerivedProbe",
            "dev.hyaline.instrument.hook.HookProbe",
            "dev.hyaline.instrument.run.InterventionProbe",
            "dev.hyaline.explorer.view.CorpusRecorder",
            // Services that the JDK's loader makes.
            "dev.hyaline.corpora.ParquetFormat",
            "dev.hyaline.corpora.ZstdCompression",
            // Parts of what writes tables and pages.
            "dev.hyaline.analysis.table.Rounding",
            "dev.hyaline.analysis.table.TextColumns",
            "dev.hyaline.explorer.HtmlWriter",
            "dev.hyaline.explorer.report.InvestigationReport");

    @Test
    void everyClassOfValuesPrintsItself() {
        Set<String> silent = exportedTypes()
                .filter(type -> !type.isInterface() && !type.isEnum() && !type.isRecord())
                .filter(type -> !Throwable.class.isAssignableFrom(type))
                .filter(PrintedValuesTest::hasInstances)
                .filter(type -> printer(type).getDeclaringClass() == Object.class)
                .map(Class::getName)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(silent).isEqualTo(new TreeSet<>(NOT_LOOKED_AT));
    }

    @Test
    void noRecordPrintsTheHashOfAnArray() {
        assertThat(exportedTypes()
                        .filter(Class::isRecord)
                        .filter(type ->
                                Arrays.stream(type.getRecordComponents()).anyMatch(PrintedValuesTest::hasArray)))
                .isNotEmpty()
                .allSatisfy(type -> assertThat(Modifier.isFinal(printer(type).getModifiers()))
                        .as("the text of %s, which has an array, is the compiler's", type.getName())
                        .isFalse());
    }

    @Test
    void printsWhatAPersonWantsToSee() {
        try (LanguageModel fable = LanguageModel.open("fable")) {
            Gpt2 model = fable.model();
            Prompts prompts = fable.prompts("Anna went to the park");
            ForwardRequest request = ForwardRequest.of(prompts.tokens(0));
            Experiment experiment =
                    Experiment.start(model, PromptPairs.draw(fable, Task.IOI_ABBA, 2, 1), Metric.logitDifference());
            assertThat(List.of(
                            Sequence.of(prompts.tokens(0)),
                            request,
                            request.logits(LogitSelection.last()),
                            fable.generator(),
                            fable.record(prompts, "z2").rows(),
                            BaseRun.record(model, prompts).rerun(List.of()),
                            LogitLens.of(model),
                            experiment))
                    .extracting(Object::toString)
                    .containsExactly(
                            "6 tokens",
                            "1 sequence, logits of all positions",
                            "1 sequence, logits of the last position",
                            "at most 50 new tokens, Sampling[temperature=0.0, topK=0, topP=1.0, seed=0]",
                            "6 tokens of 1 sequence",
                            "0 reruns of base run of 1 prompt of 6 tokens: Anna went to the park",
                            "logit lens of 0_pre, 0_mid, 1_pre, 1_mid, 2_pre, 2_mid, 3_pre, 3_mid, final_post",
                            "logit-diff of 2 pairs: clean 13.164701, corrupted -14.56957");
        }
    }

    private static Stream<Class<?>> exportedTypes() {
        return LibraryModule.all().stream().flatMap(module -> module.exportedTypes().stream());
    }

    private static boolean hasInstances(Class<?> type) {
        return Arrays.stream(type.getDeclaredMethods())
                .anyMatch(method -> !Modifier.isStatic(method.getModifiers()) && !method.isSynthetic());
    }

    private static boolean hasArray(RecordComponent component) {
        return component.getGenericType().getTypeName().contains("[]");
    }

    private static Method printer(Class<?> type) {
        try {
            return type.getMethod("toString");
        } catch (NoSuchMethodException e) {
            throw new AssertionError(e);
        }
    }
}
