/** The styles of a layer as its capabilities list them: which there are, and what people call them. Knows no map. */
import type { LayerInfo } from "./capabilities";

export interface StyleInfo {
  id: string;
  /** For people. */
  title: string;
  isDefault: boolean;
  hasLegend: boolean;
}

export interface RawStyle {
  Identifier: string;
  Title?: string;
  Abstract?: string;
  isDefault?: boolean;
  LegendURL?: unknown[];
}

/** The Title is the Identifier, as OpenLayers compares with it; what is written for people is the Abstract. */
export function stylesOf(styles: RawStyle[] = []): StyleInfo[] {
  return styles.map((style) => ({
    id: style.Identifier,
    title: style.Abstract || style.Title || style.Identifier,
    isDefault: style.isDefault ?? false,
    hasLegend: (style.LegendURL ?? []).length > 0,
  }));
}

/** OpenLayers leaves the Abstract of a style out: by layer and style, those of the document. */
export function styleAbstracts(xml: Document): (layer: string, style: string) => string | undefined {
  const child = (element: Element, name: string) =>
    [...element.children].find((candidate) => candidate.localName === name)?.textContent?.trim() ?? "";
  const abstracts = new Map<string, Map<string, string>>();
  for (const style of xml.getElementsByTagNameNS("*", "Style")) {
    const layer = style.parentElement;
    if (!layer) continue;
    const ofLayer = abstracts.get(child(layer, "Identifier")) ?? new Map<string, string>();
    abstracts.set(child(layer, "Identifier"), ofLayer.set(child(style, "Identifier"), child(style, "Abstract")));
  }
  return (layer, style) => abstracts.get(layer)?.get(style);
}

/** The wanted style where the layer has it, else the one that the server takes by itself. */
export function styleOf(layer: LayerInfo, wanted: string | undefined): StyleInfo | undefined {
  return layer.styles.find((style) => style.id === wanted) ?? layer.styles.find((style) => style.isDefault) ?? layer.styles[0];
}
