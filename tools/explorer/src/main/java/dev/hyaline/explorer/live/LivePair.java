package dev.hyaline.explorer.live;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.NextToken;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.files.Printable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a study of one prompt is about: the page's prompt, which is the clean one; {@code corrupted}, an object with
 * another prompt or its tokens; and {@code answer} and {@code distractor}, two next tokens, by default the two
 * likeliest ones after the page's prompt.
 *
 * @param corrupted null if the request has none
 */
record LivePair(LiveModel.Prompt clean, LiveModel.@Nullable Prompt corrupted, int answer, int distractor) {
    static final Set<String> OPTIONS = Set.of("corrupted", "answer", "distractor");

    static LivePair of(LiveModel model, ViewRequest request) {
        LiveModel.Prompt clean = model.prompt(request);
        LiveModel.Prompt corrupted =
                request.option("corrupted").map(model::prompt).orElse(null);
        List<NextToken> likeliest = model.likeliest(clean);
        int answer = request.option("answer")
                .map(model::token)
                .orElseGet(() -> likeliest.getFirst().token());
        int distractor = request.option("distractor")
                .map(model::token)
                .orElseGet(() -> likeliest.stream()
                        .mapToInt(NextToken::token)
                        .filter(token -> token != answer)
                        .findFirst()
                        .orElse(answer));
        return new LivePair(clean, corrupted, answer, distractor);
    }

    /** The pair; of the clean prompt twice if there is no other. */
    PromptPairs pairs(LiveModel model) {
        int[] other = corrupted == null ? clean.tokens() : corrupted.tokens();
        return PromptPairs.of(
                model.config(),
                List.of(new PromptPair(
                        clean.text().isEmpty() ? "the prompt" : clean.text(),
                        clean.tokens(),
                        other,
                        new int[] {answer},
                        new int[] {distractor},
                        Map.of())));
    }

    boolean isSameAs(LivePair other) {
        return Arrays.equals(clean.tokens(), other.clean.tokens())
                && answer == other.answer
                && distractor == other.distractor
                && Arrays.equals(
                        corrupted == null ? null : corrupted.tokens(),
                        other.corrupted == null ? null : other.corrupted.tokens());
    }

    /** The metric that a request names, at the last position. */
    static Metric metric(ViewRequest request) {
        List<Metric> known = Metric.all(PromptPair.END);
        String name = request.choice("metric", known.stream().map(Metric::name).toList());
        return known.stream()
                .filter(metric -> metric.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** What every form of a study of a pair needs: the tokens that are compared, and the metrics. */
    DataObject form(LiveModel model) {
        return DataObject.empty()
                .withTokens("compared", tokens(model))
                .withTexts(
                        "metrics",
                        Metric.all(PromptPair.END).stream().map(Metric::name).toList());
    }

    /** A view of a study that was not asked for yet: its form. */
    ViewData formAlone(String view, LiveModel model, ViewHeading heading, DataObject form) {
        return new ViewData(
                view,
                heading.withBasis("one prompt")
                        .withCommand("hyaline explore" + model.options(clean))
                        .withJava(java()),
                DataObject.empty().with("form", form));
    }

    /** Answer and distractor. */
    List<ViewToken> tokens(LiveModel model) {
        return List.of(model.vocabulary().apply(answer), model.vocabulary().apply(distractor));
    }

    /**
     * A command with the options that name the model and the pair; empty where the pair cannot be written as texts.
     *
     * @param command such as {@code hyaline patch}
     * @param more further options
     */
    String command(LiveModel model, String command, String more) {
        List<ViewToken> tokens = tokens(model);
        if (clean.text().isEmpty()
                || (corrupted != null && corrupted.text().isEmpty())
                || tokens.stream().anyMatch(token -> token.text().isEmpty())) {
            return "";
        }
        return command
                + model.modelOptions()
                + " --clean "
                + Printable.shellWord(clean.text())
                + " --corrupted "
                + Printable.shellWord(corrupted == null ? clean.text() : corrupted.text())
                + " --answer "
                + Printable.shellWord(tokens.get(0).text())
                + " --distractor "
                + Printable.shellWord(tokens.get(1).text())
                + more;
    }

    /** Lines of Java that make the pairs. */
    static String java() {
        return """
            PromptPairs pairs = PromptPairs.of(model.config(), List.of(new PromptPair(
                    name, clean, corrupted, new int[] {answer}, new int[] {distractor}, Map.of())));
            """;
    }
}
