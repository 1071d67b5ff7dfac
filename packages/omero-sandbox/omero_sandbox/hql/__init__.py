"""HQL, the query language of OMERO's IQuery, on the sandbox's store.

``parser`` turns text into the tree of ``tree``; ``compiler`` binds that to the model and plans the joins;
``query`` runs it. What a query may say and which queries fail follow Hibernate 3.6, the one of OMERO 5.6.
"""
