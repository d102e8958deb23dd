package dev.hyaline.analysis.investigation.force;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** Writes the values of the pair's other run, which has another answer. */
record Donor() implements Force {
    @Override
    public String name() {
        return "donor";
    }

    @Override
    public float latentValue(Evidence evidence, Side into, LatentComponent latent, int pair, int position) {
        return evidence.latentValue(into == Side.CLEAN ? Side.CORRUPTED : Side.CLEAN, latent, pair, position);
    }

    @Override
    public List<Intervention> edit(Evidence evidence, Side into, ClaimComponent component, Target target, int pair) {
        Side other = into == Side.CLEAN ? Side.CORRUPTED : Side.CLEAN;
        return List.of(Intervention.patch(target, evidence.experiment().runs().recorded(other, target.site())));
    }

    @Override
    public Map<String, Force> controls(Evidence evidence) {
        return Map.of("a donor with the same answer does nothing", new SameAnswer());
    }

    /**
     * Writes the values of another pair's run with the same answer, of the same stratum and roles; a pair without such
     * another stays as it is.
     */
    record SameAnswer() implements Force {
        @Override
        public String name() {
            return "donor with the same answer";
        }

        @Override
        public float latentValue(Evidence evidence, Side into, LatentComponent latent, int pair, int position) {
            OptionalInt other = like(evidence, into, pair);
            return other.isPresent() ? evidence.latentValue(into, latent, other.getAsInt(), position) : Float.NaN;
        }

        @Override
        public List<Intervention> edit(
                Evidence evidence, Side into, ClaimComponent component, Target target, int pair) {
            return like(evidence, into, pair).stream()
                    .mapToObj(other -> Intervention.patch(
                            target, evidence.experiment().runs().recorded(into, target.site()), other))
                    .toList();
        }

        /** The next pair that is alike. */
        private static OptionalInt like(Evidence evidence, Side into, int pair) {
            PromptPairs pairs = evidence.experiment().pairs();
            PromptPair own = pairs.get(pair);
            return IntStream.range(1, pairs.size())
                    .map(step -> (pair + step) % pairs.size())
                    .filter(other -> isAlike(own, pairs.get(other), into))
                    .findFirst();
        }

        private static boolean isAlike(PromptPair own, PromptPair other, Side into) {
            int[] answers = into == Side.CLEAN ? own.answers() : own.distractors();
            int[] others = into == Side.CLEAN ? other.answers() : other.distractors();
            return own.length() == other.length()
                    && own.roles().equals(other.roles())
                    && Objects.equals(own.stratum(), other.stratum())
                    && answers.length > 0
                    && Arrays.equals(answers, others);
        }
    }
}
