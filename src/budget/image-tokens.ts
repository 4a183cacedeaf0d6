/**
 * Input tokens of one image at most, whatever its size: providers scale images down before they count. From the makers' own rules
 * (developers.openai.com, images and vision; platform.claude.com, vision), November 2026. The first that fits holds.
 */
const ceilings: readonly { readonly model: RegExp; readonly tokens: number }[] = [
  // Billed by tiles of 5,667 tokens, eight of them, and a base of 2,833, at a price a thirtieth of its big sister's.
  { model: /gpt-4o-mini/, tokens: 48_169 },
  // Eight tiles and a base: at most 85 + 8 x 170.
  { model: /gpt-4o|gpt-4-|gpt-4\.5|gpt-4\.1$|chatgpt-4o|(?:^|\/)o[13](?:-pro|-2|$)/, tokens: 1445 },
  // 1,536 patches, at most 2.46 tokens each.
  { model: /gpt-4\.1-|(?:^|\/)o4-mini|gpt-5-(?:mini|nano)/, tokens: 3779 },
  // Later models take images in their own size: 10,000 patches, at most 2.46 tokens each.
  { model: /gpt-|(?:^|\/)o\d|codex/, tokens: 24_600 },
  // 1,568 tokens up to Opus 4.6, 4,784 from 4.7 on.
  { model: /claude/, tokens: 4784 },
];

/** For models whose rule we do not know; the common open ones stop at 16,384. */
const usualCeiling = 16_384;

export function tokensPerImage(model: string): number {
  const name = model.toLowerCase();
  return ceilings.find((ceiling) => ceiling.model.test(name))?.tokens ?? usualCeiling;
}
