import type { Access } from '../machine/kube-api.ts';

/** What stands for an image: where its files are, and what it runs. */
export interface Image {
  /** The folder that becomes the root of its containers: of an unpacked image, or `/`. */
  readonly root: string;
  readonly entrypoint: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface KubeletSettings {
  readonly access: Access;
  /** What the node is called. */
  readonly name: string;
  readonly zone: string;
  /** The first three numbers of its pods' addresses. */
  readonly prefix: string;
  /** The address of this side, where DNS is answered. */
  readonly hostAddress: string;
  /** Where the containers' files go; a tmpfs. */
  readonly folder: string;
  /** Where what they say goes. */
  readonly logs: string;
  readonly images: Readonly<Record<string, Image>>;
}
