package dev.hyaline.analysis.investigation.force;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes a head look from a role at another. */
record Look(String from, String at) implements Force {
    @Override
    public String name() {
        return "look from " + from + " at " + at;
    }

    @Override
    public List<Intervention> edit(Evidence evidence, Side into, ClaimComponent component, Target target, int pair) {
        if (!(component instanceof ClaimComponent.HeadComponent)) {
            throw new BadInputException("only whole heads can be made to look, found " + component);
        }
        return evidence.edits(new Treatment.LookAt(from, at), List.of(component))
                .of(pair);
    }

    @Override
    public Map<String, Force> controls(Evidence evidence) {
        Map<String, Force> others = new LinkedHashMap<>();
        for (String role : evidence.experiment().pairs().roles()) {
            if (!role.equals(at) && !role.equals(from) && !role.equals(PromptPair.END)) {
                others.put("looking at " + role + " does something else", new Look(from, role));
            }
        }
        return others;
    }
}
