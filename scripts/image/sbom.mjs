/**
 * What an image is made of, in SPDX 2.3.
 *
 * @param {{ version: string, arch: string, debian: { name: string, version: string, sha256: string }[],
 *   npm: { name: string, version: string, license?: string }[], node: { version: string } }} made
 * @see https://spdx.github.io/spdx-spec/v2.3/
 */
export function billOfMaterials({ version, arch, debian, npm, node }) {
  const packages = [
    entry('ganglion', version, `pkg:generic/ganglion@${version}`, 'Apache-2.0'),
    entry('node', node.version, `pkg:generic/node@${node.version}?arch=${arch}`, 'MIT'),
    ...debian.map(({ name, version, sha256 }) => ({
      ...entry(name, version, `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}&distro=bookworm`),
      checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
    })),
    ...npm.map(({ name, version, license }) =>
      entry(name, version, `pkg:npm/${name.replace('@', '%40')}@${version}`, license),
    ),
  ];
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `ganglion-${version}-${arch}`,
    documentNamespace: `urn:ganglion:sbom:${version}:${arch}`,
    creationInfo: { created: '1970-01-01T00:00:00Z', creators: ['Tool: ganglion-image'] },
    packages,
    relationships: packages.slice(1).map(({ SPDXID }) => ({
      spdxElementId: packages[0].SPDXID,
      relationshipType: 'CONTAINS',
      relatedSpdxElement: SPDXID,
    })),
  };
}

function entry(name, version, purl, license) {
  return {
    SPDXID: `SPDXRef-${purl.replace(/[^A-Za-z0-9.-]+/g, '-')}`,
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: typeof license === 'string' ? license : 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  };
}
