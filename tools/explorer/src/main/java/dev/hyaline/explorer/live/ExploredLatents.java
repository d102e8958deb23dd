package dev.hyaline.explorer.live;

import dev.hyaline.analysis.sparse.feature.LatentStudy;
import java.util.function.Supplier;

/**
 * The latents of an autoencoder that a page may show and edit.
 *
 * @param study of the texts that examples come from; made when a page first asks for latents
 * @param sae the option of a command that names the autoencoder, for commands that are copied
 * @param texts the option of {@code hyaline sae features} that names the texts
 */
public record ExploredLatents(Supplier<LatentStudy> study, String sae, String texts) {}
