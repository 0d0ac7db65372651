/**
 * @peculiar/x509 brings tsyringe, which at import insists on the decorators' metadata API. Nothing in it is injected by
 * constructor parameters, so "there is no metadata" is the complete answer, and has to be there before the import.
 */
const none = () => undefined
Object.assign(Reflect, { getMetadata: none, getOwnMetadata: none })

export const x509 = await import('@peculiar/x509')
